// Stands in for a kernel's view of program starts: loaded into lanner by NODE_OPTIONS, it writes down each canary that is
// run, for the agent of the transcript to report. The programs are run, and nothing else is changed.
const childProcess = require('node:child_process');
const { appendFileSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const { spawn } = childProcess;
childProcess.spawn = (binary, args, options) => {
  const child = spawn(binary, args, options);
  if (String(args?.[1]).startsWith('lanner-canary-') && process.env.LANNER_EYES !== undefined)
    appendFileSync(process.env.LANNER_EYES, `${JSON.stringify({ pid: child.pid, binary, args })}\n`);
  return child;
};
syncBuiltinESMExports();
