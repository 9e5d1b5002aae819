/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the control socket; the argument of the handlers is the satellite. */
#ifndef SNO_SAT_SHOW_H
#define SNO_SAT_SHOW_H

#include "control.h"
#include "sat-forwarder/satellite.h"

extern const struct control_command show_commands[];

/* What `monitor` begins with. */
control_handler show_status;

/* Both clocks now; implemented in main.c, where clocks are read, and by tests. */
struct instant show_instant(void);

#endif
