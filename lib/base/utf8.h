/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** Whether bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
 *  U+10FFFF). A NUL is a character like any other. */
bool
fbk__utf8_valid(const char *text, size_t len);

#endif
