/*
 * Group commit as fast as the machine does it: N appenders that always wait, one thread. Each turn frames and copies
 * what they append, sums it, and writes it with one pwrite to a file of zeros that was opened with O_DSYNC. A group
 * has 4 MiB at most.
 *
 *   group-commit FILE FILE_BYTES RECORD_BYTES APPENDERS SECONDS
 *
 * Prints a line of JSON: records, seconds, processor seconds, and a checksum of what was written.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 72
#define FRAME_BYTES 40
#define ALIGNMENT_BYTES 512
#define GROUP_MAX_BYTES (4u << 20)
#define PAYLOADS 64

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static double processor_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_utime.tv_usec / 1e6 + u.ru_stime.tv_sec + u.ru_stime.tv_usec / 1e6;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
__attribute__((target("sse4.2"))) static uint32_t sum(const uint8_t *bytes, size_t size) {
  uint64_t crc = 0xffffffffu;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; i < size; i++) crc = _mm_crc32_u8((uint32_t)crc, bytes[i]);
  return ~(uint32_t)crc;
}
#else
static uint32_t table[8][256];
static uint32_t sum(const uint8_t *bytes, size_t size) {
  if (table[0][1] == 0) {
    for (uint32_t n = 0; n < 256; n++) {
      uint32_t c = n;
      for (int k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78u ^ (c >> 1) : c >> 1;
      table[0][n] = c;
    }
    for (int t = 1; t < 8; t++)
      for (uint32_t n = 0; n < 256; n++) table[t][n] = (table[t - 1][n] >> 8) ^ table[0][table[t - 1][n] & 255];
  }
  uint32_t crc = 0xffffffffu;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint32_t low = crc ^ ((uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8 | (uint32_t)bytes[i + 2] << 16 |
                          (uint32_t)bytes[i + 3] << 24);
    crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
          table[3][bytes[i + 4]] ^ table[2][bytes[i + 5]] ^ table[1][bytes[i + 6]] ^ table[0][bytes[i + 7]];
  }
  for (; i < size; i++) crc = table[0][(crc ^ bytes[i]) & 255] ^ (crc >> 8);
  return ~crc;
}
#endif

int main(int count, char **words) {
  if (count != 6) {
    fprintf(stderr, "group-commit FILE FILE_BYTES RECORD_BYTES APPENDERS SECONDS\n");
    return 2;
  }
  const size_t file_bytes = strtoull(words[2], NULL, 10);
  const size_t record_bytes = strtoull(words[3], NULL, 10);
  const size_t appenders = strtoull(words[4], NULL, 10);
  const double seconds = atof(words[5]);
  const size_t fitting = (GROUP_MAX_BYTES - HEAD_BYTES) / (FRAME_BYTES + record_bytes);
  const int file = open(words[1], O_RDWR | O_DSYNC);
  uint8_t *slab = aligned_alloc(4096, GROUP_MAX_BYTES);
  uint8_t *payloads = malloc(PAYLOADS * record_bytes);
  if (file < 0 || slab == NULL || payloads == NULL || fitting == 0 || appenders == 0) {
    perror(words[1]);
    return 1;
  }
  memset(slab, 0, GROUP_MAX_BYTES);
  for (size_t i = 0; i < PAYLOADS * record_bytes; i++) payloads[i] = (uint8_t)(rand() >> 7);

  uint64_t offset = 0;
  uint32_t checksum = 0;
  size_t position = 0;
  const size_t records = appenders < fitting ? appenders : fitting; /* All wait again as soon as they are answered. */
  const double processor_start = processor_seconds();
  const double start = now();
  double end = start;
  while (end - start < seconds) {
    size_t used = HEAD_BYTES;
    for (size_t i = 0; i < records; i++, offset++) {
      const uint32_t length = (uint32_t)record_bytes;
      memcpy(slab + used + 16, &offset, 8);
      memcpy(slab + used + 36, &length, 4);
      memcpy(slab + used + FRAME_BYTES, payloads + offset % PAYLOADS * record_bytes, record_bytes);
      used += FRAME_BYTES + record_bytes;
    }
    const uint32_t crc = sum(slab + HEAD_BYTES, used - HEAD_BYTES);
    memcpy(slab + 16, &crc, 4);
    checksum += crc;
    const size_t size = (used + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    memset(slab + used, 0, size - used);
    if (position + size > file_bytes) position = 0;
    if (pwrite(file, slab, size, (off_t)position) != (ssize_t)size) {
      perror("pwrite");
      return 1;
    }
    position += size;
    end = now();
  }
  printf("{\"records\":%llu,\"seconds\":%.6f,\"processorSeconds\":%.6f,\"checksum\":%u}\n", (unsigned long long)offset,
         end - start, processor_seconds() - processor_start, checksum);
  return 0;
}
