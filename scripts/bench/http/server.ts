/** One contender as a process: `node server.js <name> <folder> <items>`; it tells its parent where it listens. */

import { contenders } from './contenders.js'

const [name, folder = '.', items = '8'] = process.argv.slice(2)

contenders
  .find((one) => one.name === name)!
  .listen(folder, Number(items))
  .then(
    (port) => process.send!(`http://127.0.0.1:${port}`),
    (error: Error) => {
      console.error(error.message)
      process.exit(1)
    },
  )
