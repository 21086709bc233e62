// Answers each message, with its arguments in front.
process.on('message', (message) => process.send([...process.argv.slice(2), message]));
