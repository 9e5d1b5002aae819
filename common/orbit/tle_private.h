/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reading (tle.c) and writing (tle_print.c) of element sets share. */
#ifndef SNO_ORBIT_TLE_PRIVATE_H
#define SNO_ORBIT_TLE_PRIVATE_H

#define TLE_LINE 69 /* characters of an element line; the last is its checksum */

/* Catalogue numbers from 100000 have a letter for 10 and more ten thousands; I and O are not used.
 */
#define TLE_ALPHA5 "ABCDEFGHJKLMNPQRSTUVWXYZ"

/* The checksum of a line of at least TLE_LINE - 1 characters: its digits, and 1 for each minus. */
static inline char tle_checksum(const char *line)
{
	int sum = 0;

	for (int i = 0; i < TLE_LINE - 1; i++) {
		if (line[i] >= '0' && line[i] <= '9')
			sum += line[i] - '0';
		else if (line[i] == '-')
			sum++;
	}
	return (char)('0' + sum % 10);
}

#endif
