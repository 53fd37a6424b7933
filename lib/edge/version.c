/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include <feedback/base.h>

#include <pthread.h>
#include <stdio.h>

#include <jansson.h>
#include <sodium.h>
#include <sqlite3.h>
#include <zstd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#if FBK__HAVE_OPENBLAS
#include <cblas.h>
#endif

static char build_info[1024];
static pthread_once_t build_info_once = PTHREAD_ONCE_INIT;

int32_t
fbk_version_number(void)
{
    return FBK_VERSION_NUMBER;
}

const char *
fbk_version_string(void)
{
    return FBK_VERSION_STRING;
}

/* SQLite 3.7.0 to 3.51.2 can corrupt a WAL file when a checkpoint meets a commit; fixed in 3.51.3,
 * 3.50.7 and 3.44.6. The store's lease makes us immune, other programs on the file are not. */
static const char *
sqlite_word(int v)
{
    if (v >= 3051003 || (v >= 3050007 && v < 3051000) || (v >= 3044006 && v < 3045000))
        return "";
    return " (has the WAL-reset fault; the store's lease avoids it)";
}

static void
build_info_make(void)
{
#if FBK__HAVE_OPENBLAS
    const char *blas = openblas_get_config();
#else
    const char *blas = "none";
#endif

    (void)snprintf(build_info, sizeof build_info,
                   "feedback: %s\nsqlite: %s%s\nzstd: %s\nxxhash: %d.%d.%d\nsodium: %s\n"
                   "jansson: %s\nblas: %s\n",
                   FBK_VERSION_STRING, sqlite3_libversion(),
                   sqlite_word(sqlite3_libversion_number()), ZSTD_versionString(),
                   XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE,
                   sodium_version_string(), jansson_version_str(), blas);
}

const char *
fbk_build_info(void)
{
    (void)pthread_once(&build_info_once, build_info_make);
    return build_info;
}
