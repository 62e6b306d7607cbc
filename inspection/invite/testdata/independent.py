"""Reads the iCalendar files given as arguments and says what they hold, one line of JSON each."""
import datetime
import json
import sys

import icalendar

for file in sys.argv[1:]:
    with open(file, "rb") as f:
        cal = icalendar.Calendar.from_ical(f.read())
    (event,) = cal.walk("VEVENT")
    attendees = event["ATTENDEE"]
    if not isinstance(attendees, list):
        attendees = [attendees]
    start = event.decoded("DTSTART").astimezone(datetime.timezone.utc)
    print(json.dumps({
        "Method": cal["METHOD"],
        "UID": event["UID"],
        "Sequence": event["SEQUENCE"],
        "Start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Summary": event["SUMMARY"],
        "Description": event.get("DESCRIPTION", ""),
        "Attendees": [[a.params.get("CN", ""), str(a).removeprefix("mailto:"), a.params.get("PARTSTAT", "")] for a in attendees],
    }))
