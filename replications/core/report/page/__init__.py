"""results/<tier>/index.html: every claim, figure and model on one page that needs no network."""
