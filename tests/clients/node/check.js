// The checks of a script: one line each; the exit status tells whether all of them passed.
"use strict";

const { isDeepStrictEqual, inspect } = require("node:util");

function equal(what, got, expected) {
  if (isDeepStrictEqual(got, expected)) {
    console.log(`ok      ${what}`);
  } else {
    console.log(`FAILED  ${what}: got ${inspect(got)}`);
    process.exitCode = 1;
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const [port, socketPath] = [Number(process.argv[2]), process.argv[3]];

module.exports = { equal, sleep, port, socketPath };
