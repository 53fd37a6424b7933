/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FEEDBACK_FEEDBACK_H
#define FEEDBACK_FEEDBACK_H

/** @file
 *  Everything: include this, or only the headers you need. */

#include <feedback/arrow.h>
#include <feedback/base.h>
#include <feedback/catalogue.h>
#include <feedback/climate.h>
#include <feedback/clv.h>
#include <feedback/context.h>
#include <feedback/copurchase.h>
#include <feedback/event.h>
#include <feedback/exchange.h>
#include <feedback/identity.h>
#include <feedback/import.h>
#include <feedback/model.h>
#include <feedback/place.h>
#include <feedback/profile.h>
#include <feedback/recommend.h>
#include <feedback/rfm.h>
#include <feedback/stats.h>
#include <feedback/store.h>
#include <feedback/weather.h>

#endif
