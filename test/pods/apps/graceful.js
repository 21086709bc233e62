process.on('SIGTERM', () => {
  setTimeout(() => {
    console.log('bye');
    process.exit();
  }, 300);
});
setInterval(() => {}, 1000);
console.log('ready');
