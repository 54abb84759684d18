"""What the walkthrough's three tables must hold, in plain Python, from the rows that were posted.

Shares nothing with the product: rows of source.db as Python values, distinct rows, then the cleaning of step 5.
"""

import datetime
import re
import sqlite3

TABLES = {"pin": "pinterest_data", "geo": "geolocation_data", "user": "user_data"}
STREAMS = {name: f"streaming-0e36c8cd403d-{name}" for name in TABLES}
DELTA_TABLES = {name: f"0e36c8cd403d_{name}_table" for name in TABLES}


class Source:
    """Rows of the source database by number, as the emulator posts them."""

    def __init__(self, path):
        self.rows = {}
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            db.row_factory = sqlite3.Row
            for name, table in TABLES.items():
                self.rows[name] = [self.as_posted(dict(r)) for r in db.execute(f"SELECT * FROM {table} ORDER BY rowid")]

    @staticmethod
    def as_posted(row):
        for column in ("timestamp", "date_joined"):
            if row.get(column):
                row[column] = row[column].replace(" ", "T")
        return row


def unless(text, *sentinels):
    return None if text in sentinels else text


def follower_count(text):
    if text is None or text == "User Info Error":
        return None
    text = re.sub("M$", "000000", re.sub("k$", "000", text))
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not -2**31 <= int(text) < 2**31:
        return None
    return int(text)


def moment(text):
    return None if text is None else datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


def clean_pin(r):
    return (r["index"], r["unique_id"], unless(r["title"], "No Title Data Available"),
            unless(r["description"], "No description available", "No description available Story format"),
            follower_count(r["follower_count"]), unless(r["poster_name"], "User Info Error"),
            unless(r["tag_list"], "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e"), r["is_image_or_video"],
            unless(r["image_src"], "Image src error", "Image src error."),
            re.sub("^Local save in ", "", r["save_location"]), r["category"])


def clean_geo(r):
    return (r["ind"], r["country"], (r["latitude"], r["longitude"]), moment(r["timestamp"]))


def clean_user(r):
    return (r["ind"], r["first_name"] + " " + r["last_name"], r["age"], moment(r["date_joined"]))


CLEAN = {"pin": clean_pin, "geo": clean_geo, "user": clean_user}


def sort_key(row):
    return tuple((value is not None, str(value)) for value in row)


def expected(name, rows):
    """The cleaned form of the distinct rows, sorted."""
    distinct = {tuple(sorted(row.items(), key=lambda item: item[0])): row for row in rows}
    return sorted((CLEAN[name](row) for row in distinct.values()), key=sort_key)


def from_spark_text(name, row):
    """A row of `sluice sql --json` (values as Spark prints them) as the reference has it."""
    def integer(text):
        return None if text is None else int(text)

    def time(text):
        return None if text is None else moment(text.replace(" ", "T"))

    if name == "pin":
        return (integer(row[0]), *row[1:4], integer(row[4]), *row[5:])
    if name == "geo":
        return (integer(row[0]), row[1], tuple(float(x) for x in row[2]), time(row[3]))
    return (integer(row[0]), row[1], integer(row[2]), time(row[3]))
