/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as JSON; see control_value.h. */
#include "control_value.h"

json_t *control_seconds(usec_t us)
{
	return json_real((double)us / (double)USEC_PER_SEC);
}

json_t *control_milliseconds(usec_t us)
{
	return json_real((double)us / (double)USEC_PER_MSEC);
}

json_t *control_addr(const struct addr *a)
{
	char text[ADDR_TEXT];

	return addr_none(a) ? json_null() : json_string(addr_format(a, text));
}

json_t *control_prefix(const struct prefix *p)
{
	char text[PREFIX_TEXT];

	return prefix_none(p) ? json_null() : json_string(prefix_format(p, text));
}
