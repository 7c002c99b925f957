<?php
// php-redis: strings, the serializer, pipelines, transactions, scans, the session handler.
declare(strict_types=1);

$failed = 0;

function equal(string $what, mixed $got, mixed $expected): void
{
    global $failed;
    $passed = $got === $expected;
    $failed += $passed ? 0 : 1;
    echo $passed ? "ok      $what\n" : "FAILED  $what: got " . var_export($got, true) . "\n";
}

[, $port, $socket_path] = $argv;
$redis = new Redis();
ob_start(null, 0);  // a session starts only while nothing has been sent
equal('pconnect', $redis->pconnect('127.0.0.1', (int) $port, 5.0), true);

equal('set with options', $redis->set('a', '1', ['nx', 'ex' => 100]), true);
equal('set nx again', $redis->set('a', '2', ['nx']), false);
equal('get', $redis->get('a'), '1');
equal('get of no key', $redis->get('none'), false);
equal('incrBy', $redis->incrBy('a', 41), 42);
equal('ttl', $redis->ttl('a') > 0, true);
equal('mset', $redis->mset(['b' => 'x', 'c' => "\0\xff\r\n"]), true);
equal('mget', $redis->mget(['b', 'none', 'c']), ['x', false, "\0\xff\r\n"]);
equal('exists', $redis->exists('a', 'b', 'none'), 2);
equal('setex', $redis->setex('d', 100, 'y'), true);
equal('del', $redis->del('b', 'none'), 1);
equal('incr of text', $redis->incr('c'), false);
equal('getLastError', rtrim($redis->getLastError(), "\0"), 'ERR value is not an integer or out of range');
equal('type', $redis->type('a'), Redis::REDIS_STRING);
equal('config', $redis->config('GET', 'maxclients'), ['maxclients' => '10000']);
equal('info', (int) $redis->info('clients')['connected_clients'] > 0, true);

$pipe = $redis->pipeline();
for ($i = 0; $i < 1000; $i++) {
    $pipe->incr('n');
}
equal('pipeline', $pipe->exec(), range(1, 1000));
equal('multi', $redis->multi()->set('t', '1')->incr('t')->get('t')->exec(), [true, 2, '2']);
$rival = new Redis();
$rival->connect($socket_path);
equal('the socket', $rival->ping(), true);
$redis->watch('t');
$rival->set('t', '9');
equal('a watched key that changed', $redis->multi()->set('t', '0')->exec(), false);

$redis->select(1);
$names = array_map(fn (int $i): string => "scan:$i", range(0, 499));
$redis->mset(array_fill_keys([...$names, 'other'], 'x'));
$redis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
$seen = [];
$cursor = null;
while ($batch = $redis->scan($cursor, 'scan:*', 50)) {
    array_push($seen, ...$batch);
}
sort($seen);
sort($names);
equal('scan', array_values(array_unique($seen)), $names);
equal('dbSize', $redis->dbSize(), 501);
equal('flushDb', $redis->flushDb(), true);

$redis->setOption(Redis::OPT_PREFIX, 'app:');
$redis->setOption(Redis::OPT_SERIALIZER, Redis::SERIALIZER_PHP);
$redis->set('object', ['age' => 30, 'tags' => ['x', 'ü']]);
equal('a serialized value', $redis->get('object'), ['age' => 30, 'tags' => ['x', 'ü']]);
$redis->flushDb();

ini_set('session.save_handler', 'redis');
ini_set('session.save_path', "tcp://127.0.0.1:$port?database=2&prefix=session:");
ini_set('session.use_cookies', '0');
session_cache_limiter('');
session_id('visitor');
session_start();
$_SESSION['cart'] = ['apples' => 3];
session_write_close();
$_SESSION = [];
session_id('visitor');
session_start();
equal('a session', $_SESSION, ['cart' => ['apples' => 3]]);
session_destroy();

exit($failed > 0 ? 1 : 0);
