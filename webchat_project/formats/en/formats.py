"""The formats of dates, times and numbers in templates and in the admin site.

They replace Django's for English: see the setting ``FORMAT_MODULE_PATH``.
"""

DATE_FORMAT = "j M Y"
DATETIME_FORMAT = "j M Y, H:i T"
TIME_FORMAT = "H:i"
#: In columns whose head names the time zone.
SHORT_DATETIME_FORMAT = "j M Y, H:i"
