"""How the secret of an API key begins, so that leaks can be scanned for."""

PREFIX = "wck_"
