"""The public side of the widget: loader, configuration, page in the iframe, response cache."""
