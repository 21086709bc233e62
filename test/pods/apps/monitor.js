process.on('SIGTERM', () => {
  console.log('bye');
  process.exit();
});
setInterval(() => {}, 1000);
console.log('ready');
