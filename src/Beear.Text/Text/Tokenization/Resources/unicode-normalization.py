"""Writes unicode-normalization.txt from Python's copy of the Unicode Character Database (Python 3.11 has Unicode 14):
python3 unicode-normalization.py > unicode-normalization.txt"""
import sys
import unicodedata

print(f"# Unicode {unicodedata.unidata_version}, code points in hexadecimal. c: canonical combining class and who has it. =: canonical decomposition. !: the same, but")
print("# never composed again. ~: compatibility decomposition. Hangul syllables follow from arithmetic. Unicode is © Unicode, Inc. (Unicode License v3).")

characters = [chr(point) for point in range(sys.maxunicode + 1)]
classes = {}
for character in characters:
    if unicodedata.combining(character):
        classes.setdefault(unicodedata.combining(character), []).append(ord(character))
for number, points in sorted(classes.items()):
    ranges = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    print(f"c {number}", *(f"{first:X}" if first == last else f"{first:X}-{last:X}" for first, last in ranges))

for character in characters:
    decomposition = unicodedata.decomposition(character)
    if not decomposition:
        continue
    parts = decomposition.split()
    if parts[0].startswith("<"):
        kind, parts = "~", parts[1:]
    else:
        kind = "=" if unicodedata.normalize("NFC", character) == character else "!"
    print(kind, f"{ord(character):X}", *(f"{int(part, 16):X}" for part in parts))
