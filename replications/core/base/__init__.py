"""Base: errors, files, hashes of code, provenance, what is carried. Everybody may import it;
it imports no other room.
"""
