// An app that takes its time for a stop.
process.on('SIGTERM', () => {
  setTimeout(() => {
    console.log('stopped');
    process.exit(3);
  }, 100);
});
console.log('ready');
setInterval(() => {}, 2 ** 31 - 1);
