"""One reader a kind of file: each answers from two versions of which one may be missing, or raises Unreadable."""
