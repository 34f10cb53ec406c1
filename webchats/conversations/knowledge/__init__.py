"""From a prompt and the organization's answers to the text that a visitor gets."""
