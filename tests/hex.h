/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published test vectors are hexadecimal text; tests and test tools read them with this.
 */
#ifndef SNO_TESTS_HEX_H
#define SNO_TESTS_HEX_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* The value of one digit of either case, -1 for any other character. */
static inline int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* Text to at most capacity bytes. The number of bytes; -EINVAL no hex text; -ENOBUFS too long. */
static inline ssize_t hex_decode(uint8_t *bytes, size_t capacity, const char *text)
{
	size_t length = strlen(text) / 2;

	if (strlen(text) % 2)
		return -EINVAL;
	if (length > capacity)
		return -ENOBUFS;
	for (size_t i = 0; i < length; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return (ssize_t)length;
}

#endif
