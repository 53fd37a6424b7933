/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "log/segment.h"

#include <stdlib.h>
#include <string.h>

/* The directory of a segment (inputs that begin with 'd'), or one of its frames. The checksums are
 * those of the pieces that they lie in, so that what gets here may be anything. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
directory(fbk__codec *c, const uint8_t *data, size_t size)
{
    fbk__segment s;

    memset(&s, 0, sizeof s);
    s.a = fbk__libc_allocator;
    if (fbk__segment_directory(c, data, size, &s) == FBK_OK) {
        uint64_t events = 0;

        for (uint32_t i = 0; i < s.n_frames; i++)
            events += s.frames[i].n.events;
        if (events != s.n_events || fbk__segment_find(&s, UINT32_MAX) > s.n_frames)
            abort();
    }
    fbk__free(&s.a, s.frames);
}

/* What was decoded must be whole: every part is looked at, packed, and comes out the same. */
static void
look(fbk__codec *c, const fbk__frame *f)
{
    fbk__frame_index index = {NULL, NULL, NULL};
    fbk__frame again;
    fbk__reader in;
    fbk__buf out;

    if (fbk__frame_index_make(f, &index) < 0)
        return;
    fbk__buf_init(&out, NULL);
    fbk__frame_init(&again, &fbk__libc_allocator);
    if (fbk__frame_pack(c, &out, f) < 0)
        abort();
    in = (fbk__reader){(const unsigned char *)out.data, (const unsigned char *)out.data + out.len,
                       false};
    if (fbk__frame_unpack(c, &in, &again) < 0 || in.p != in.end ||
        memcmp(&again.n, &f->n, sizeof f->n) != 0)
        abort();
    for (int k = 0; k < FBK__N_EV; k++) {
        if (memcmp(again.ev[k], f->ev[k], f->n.events * sizeof(int64_t)) != 0)
            abort();
    }
    for (int k = 0; k < FBK__N_LN; k++) {
        if (f->n.lines && memcmp(again.ln[k], f->ln[k], f->n.lines * sizeof(int64_t)) != 0)
            abort();
    }
    for (uint32_t i = 0; i < f->n.events; i++) {
        size_t len = f->ids.offsets[i + 1] - f->ids.offsets[i];

        if (again.ids.offsets[i + 1] - again.ids.offsets[i] != len ||
            (len && memcmp(again.ids.bytes + again.ids.offsets[i], f->ids.bytes + f->ids.offsets[i],
                           len) != 0))
            abort();
    }
    fbk__frame_index_free(&index, &fbk__libc_allocator);
    fbk__frame_free(&again);
    fbk__buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fbk__codec c;
    fbk__frame f;
    uint32_t events;
    size_t len;

    if (size == 0)
        return 0;
    fbk__codec_init(&c, &fbk__libc_allocator);
    fbk__frame_init(&f, &fbk__libc_allocator);
    if (data[0] == 'd') {
        directory(&c, data + 1, size - 1);
    } else {
        data++;
        size--;
        /* Sizes of a few bytes may ask for much memory; that is bounded, and slow to try. */
        if (fbk__segment_frame_len(data, size, &len, &events) == FBK_OK && events < 1 << 14 &&
            fbk__segment_decode(&c, data, size, &f) == FBK_OK)
            look(&c, &f);
    }
    fbk__frame_free(&f);
    fbk__codec_free(&c);
    return 0;
}
