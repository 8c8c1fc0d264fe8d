-- One index of the starts: the tallies of the days tell which day a page is on, and a day is read from cdrs_by_start.
DROP INDEX cdrs_newest_by_start;
