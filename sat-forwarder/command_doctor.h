/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with this satellite, and what to do; the argument is the struct satellite. */
#ifndef SNO_SAT_COMMAND_DOCTOR_H
#define SNO_SAT_COMMAND_DOCTOR_H

#include "control.h"

control_handler command_doctor;

#endif
