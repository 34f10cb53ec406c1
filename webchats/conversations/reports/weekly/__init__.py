"""The report of last week by e-mail, for the members who have turned it on."""
