/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
/* A till's file is read twice; one of its rows is bad. */
#include <feedback/feedback.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char rows[] = "receipt,at,card,sku,pieces,price\n"
                           "7,2026-05-01 10:02:11,L-1,tea,2,3.50\n"
                           "8,2026-05-01 10:03:40,L-2,tea,many,3.50\n"
                           "7,2026-05-01 10:02:12,L-1,cup,1,9.95\n";

static const char map[] =
    "{\"format\": \"csv\", \"source\": {\"value\": \"till 1\"},"
    " \"event_id\": \"receipt\", \"order_ref\": \"receipt\", \"kind\": \"sale\","
    " \"time\": {\"columns\": [\"at\"], \"zone\": \"Europe/Berlin\"},"
    " \"identifiers\": [{\"namespace\": \"loyalty\", \"value\": \"card\"}],"
    " \"line\": {\"item\": \"sku\", \"quantity\": \"pieces\","
    " \"unit_price\": \"price\"}}";

static fbk_status
import(fbk *db, const char *path)
{
    fbk_import_options options = FBK_IMPORT_OPTIONS_INIT;
    fbk_import_report report = FBK_IMPORT_REPORT_INIT;
    fbk_status rc;

    options.map_text = map;
    rc = fbk_import_file(db, path, &options, &report);
    if (rc < 0)
        return rc;
    printf("%llu rows: %llu events added, %llu already there\n",
           (unsigned long long)report.rows_read, (unsigned long long)report.events_added,
           (unsigned long long)report.events_already);
    if (report.rows_rejected)
        printf("row %lld: %s %s\n", (long long)report.reject_row, report.reject_field,
               report.reject_reason);
    return rc;
}

int
main(void)
{
    char path[] = "/tmp/till-XXXXXX";
    int fd = mkstemp(path);
    fbk_store_options options = FBK_STORE_OPTIONS_INIT;
    fbk_store *store = NULL;
    fbk *db = NULL;
    fbk_status rc;

    if (fd < 0 || write(fd, rows, sizeof rows - 1) != (ssize_t)(sizeof rows - 1))
        return 1;
    options.flags = FBK_STORE_CREATE;
    rc = fbk_store_open(":memory:", &options, &store, NULL);
    if (rc >= 0)
        rc = fbk_connect(store, &db);
    if (rc >= 0)
        rc = import(db, path);
    if (rc >= 0)
        rc = import(db, path);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", fbk_status_name(rc), fbk_errmsg(db));
    fbk_close(db);
    fbk_store_close(store);
    (void)close(fd);
    (void)unlink(path);
    return rc < 0;
}
