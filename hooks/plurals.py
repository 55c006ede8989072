"""Numbers with their nouns, as people read them."""


def so_many(number: int, noun: str) -> str:
    """The number with its noun.

    >>> so_many(1, "rule"), so_many(1200, "rule")
    ('1 rule', '1,200 rules')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
