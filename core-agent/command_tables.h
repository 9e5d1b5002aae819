/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables that grow with the number of terminals. They are read from the core's own tables a few
 * rows at a time (control_stream()), in which each cursor keeps its place (walk.h).
 */
#ifndef SNO_CORE_COMMAND_TABLES_H
#define SNO_CORE_COMMAND_TABLES_H

#include "control.h"

control_handler show_terminals, show_visitors, show_bindings, show_anticipations, show_accounting,
	show_handovers;

#endif
