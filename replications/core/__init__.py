"""What papers share, in rooms that stand in the order of the flow:

base <- data, learn, declare <- run <- train, score <- steps; report reads base and declare alone.
tests/contracts/test_rooms.py holds the imports to it.
"""
