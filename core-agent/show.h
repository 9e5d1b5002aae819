/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the core agent answers on its control socket; see sno-core-agent(8) for the commands. */
#ifndef SNO_CORE_SHOW_H
#define SNO_CORE_SHOW_H

#include "control.h"
#include "core.h"

/* For daemon_serve(); the argument is the struct core. */
extern const struct control_command show_commands[];
/* What `monitor` begins with. */
control_handler show_snapshot;

#endif
