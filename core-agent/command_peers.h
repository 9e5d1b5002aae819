/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes between this core and its peers: tunnels, and the keys of everything. No secrets. */
#ifndef SNO_CORE_COMMAND_PEERS_H
#define SNO_CORE_COMMAND_PEERS_H

#include "control.h"

control_handler show_tunnels, show_keys, show_protection;

#endif
