"""One message, two languages: what a learner reads when something goes wrong."""


def both(zh: str, en: str) -> str:
    """Return the Chinese text followed by the English text, on lines of their own."""
    return f"{zh}\n{en}"
