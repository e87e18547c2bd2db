"""Everything Qt: the window and its parts. They show a desk (app/chat/desk.py) and call its verbs."""
