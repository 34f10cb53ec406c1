"""The pages of reports in the admin site, below ``/admin/reports/``."""
