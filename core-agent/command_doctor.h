/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with this core, and what to do; the argument is the struct core. */
#ifndef SNO_CORE_COMMAND_DOCTOR_H
#define SNO_CORE_COMMAND_DOCTOR_H

#include "control.h"

control_handler command_doctor;

#endif
