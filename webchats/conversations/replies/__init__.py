"""Replies: answers of the AI, from the job to the message or draft."""
