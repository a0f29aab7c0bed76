// A worker: it does its work until it is told to stop. With --check it only says whether it could.

const replica = process.env.DYNO ?? 'worker.0';

if (process.argv.includes('--check')) {
  console.log(`${replica} is set up`);
} else {
  let jobs = 0;
  console.log(`${replica} works`);
  const work = setInterval(() => {
    jobs += 1;
    if (jobs % 60 === 0) console.log(`${replica} has done ${jobs} jobs`);
  }, 1000);
  const stop = () => {
    clearInterval(work);
    console.log(`${replica} stops after ${jobs} jobs`);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
