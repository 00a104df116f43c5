"""Rebuild ``btc_usd_2016_2017.csv`` from the npm package ``@visx/mock-data`` 4.0.0 (MIT licence).

Usage, in an empty folder::

    npm pack @visx/mock-data@4.0.0
    python rebuild.py visx-mock-data-4.0.0.tgz btc_usd_2016_2017.csv

The module ``lib/mocks/bitcoinPrice.js`` holds 365 pairs (price, time), newest first. Nothing is changed
but the order and the format: a `time` column (the label, a date) and a `close` column in USD.
"""

import csv
import re
import sys
import tarfile


def main(package: str, target: str) -> None:
    with tarfile.open(package) as archive:
        member = archive.extractfile("package/lib/mocks/bitcoinPrice.js")
        assert member is not None
        text = member.read().decode()
    pairs = re.findall(r"price: '([0-9.]+)',\s*time: '(\d{4}-\d\d-\d\d)T00:00:00Z'", text)
    rows = sorted((day, price) for price, day in pairs)
    with open(target, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["time", "close"])
        writer.writerows(rows)
    print(f"{len(rows)} rows, {rows[0][0]} to {rows[-1][0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
