// hiredis: blocking calls, appended commands, binary arguments, a transaction, the socket.

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kPipelined = 1000 };

static int failed = 0;

static void Check(const char* what, bool passed) {
  printf("%s  %s\n", passed ? "ok    " : "FAILED", what);
  failed += !passed;
}

// Takes the reply: whether it is of this type and, unless `text` is null, with this text.
static bool Is(redisReply* reply, int type, const char* text) {
  bool same = reply && reply->type == type && (!text || strcmp(reply->str, text) == 0);
  if (!same) printf("        got type %d: %s\n", reply ? reply->type : -1, reply ? reply->str : "");
  if (reply) freeReplyObject(reply);
  return same;
}

static void Commands(redisContext* c) {
  Check("SET", Is(redisCommand(c, "SET %s %d EX 100", "a", 41), REDIS_REPLY_STATUS, "OK"));
  redisReply* sum = redisCommand(c, "INCR a");
  Check("INCR", sum && sum->type == REDIS_REPLY_INTEGER && sum->integer == 42);
  freeReplyObject(sum);
  Check("GET", Is(redisCommand(c, "GET a"), REDIS_REPLY_STRING, "42"));
  Check("GET of no key", Is(redisCommand(c, "GET none"), REDIS_REPLY_NIL, NULL));
  Check("an error", Is(redisCommand(c, "INCR"), REDIS_REPLY_ERROR,
                       "ERR wrong number of arguments for 'incr' command"));
  const char bytes[] = "\0\xff\r\n$";
  freeReplyObject(redisCommand(c, "SET %b %b", bytes, sizeof bytes, bytes, sizeof bytes));
  redisReply* back = redisCommand(c, "GET %b", bytes, sizeof bytes);
  Check("binary key and value",
        back && back->len == sizeof bytes && memcmp(back->str, bytes, sizeof bytes) == 0);
  freeReplyObject(back);
}

static void Pipeline(redisContext* c) {
  for (int i = 0; i < kPipelined; ++i) redisAppendCommand(c, "INCR n");
  bool in_order = true;
  for (int i = 1; i <= kPipelined; ++i) {
    redisReply* reply = NULL;
    if (redisGetReply(c, (void**)&reply) != REDIS_OK) break;
    in_order = in_order && reply->type == REDIS_REPLY_INTEGER && reply->integer == i;
    freeReplyObject(reply);
  }
  Check("a pipeline's replies come in order", in_order && c->err == 0);
}

static void Transaction(redisContext* c) {
  freeReplyObject(redisCommand(c, "MULTI"));
  Check("QUEUED", Is(redisCommand(c, "SET t 1"), REDIS_REPLY_STATUS, "QUEUED"));
  freeReplyObject(redisCommand(c, "INCR t"));
  redisReply* replies = redisCommand(c, "EXEC");
  Check("EXEC", replies && replies->type == REDIS_REPLY_ARRAY && replies->elements == 2 &&
                    replies->element[1]->integer == 2);
  freeReplyObject(replies);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const struct timeval timeout = {.tv_sec = 5};
  redisContext* c = redisConnectWithTimeout("127.0.0.1", atoi(argv[1]), timeout);
  redisContext* local = redisConnectUnixWithTimeout(argv[2], timeout);
  Check("connected", c && !c->err && local && !local->err);
  if (failed) return 1;
  Commands(c);
  Pipeline(c);
  Transaction(c);
  Check("the socket", Is(redisCommand(local, "GET a"), REDIS_REPLY_STRING, "42"));
  redisFree(local);
  redisFree(c);
  return failed > 0;
}
