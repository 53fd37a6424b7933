/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/feedback.h>

#include <stdio.h>

/* A program of somebody else: compiled as C and as C++ by check_downstream.py. */
int
main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (fbk_version_number() != FBK_VERSION_NUMBER)
        return 1;
    printf("libfeedback %s\n%s", fbk_version_string(), fbk_build_info());
    return 0;
}
