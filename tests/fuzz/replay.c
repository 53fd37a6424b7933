/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */

/* Runs a fuzz target over the files of directories (not hidden ones) or over single files, so that
 * every build replays the corpus. Fails when there was nothing to run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size;
    long length;

    if (!file || fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0) {
        (void)fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    rewind(file);
    data = malloc((size_t)length + 1);
    size = data ? fread(data, 1, (size_t)length, file) : 0;
    (void)fclose(file);
    if (!data || size != (size_t)length)
        exit(1);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int
run_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    int n = 0;

    if (!directory)
        return 0;
    while ((entry = readdir(directory)) != NULL) {
        char name[4096];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        n += run_file(name);
    }
    (void)closedir(directory);
    return n;
}

int
main(int argc, char **argv)
{
    int n = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            n += run_directory(argv[i]);
        else
            n += run_file(argv[i]);
    }
    printf("%d inputs\n", n);
    return n > 0 ? 0 : 1;
}
