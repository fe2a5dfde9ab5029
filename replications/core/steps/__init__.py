"""Steps: what each command does, made of all other rooms."""
