/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the terminal agent answers on its control socket; see sno-terminal-agent(8). */
#ifndef SNO_TERMINAL_SHOW_H
#define SNO_TERMINAL_SHOW_H

#include "control.h"

/* For daemon_serve(); the argument is the struct agent. */
extern const struct control_command show_commands[];
/* What `monitor` begins with. */
control_handler show_snapshot;

#endif
