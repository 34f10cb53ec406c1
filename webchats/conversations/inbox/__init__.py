"""The inbox: pages of the admin site on which representatives answer visitors."""
