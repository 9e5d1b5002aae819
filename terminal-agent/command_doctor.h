/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with this terminal, and what to do; the argument is the struct agent. */
#ifndef SNO_TERMINAL_COMMAND_DOCTOR_H
#define SNO_TERMINAL_COMMAND_DOCTOR_H

#include "control.h"

control_handler command_doctor;

#endif
