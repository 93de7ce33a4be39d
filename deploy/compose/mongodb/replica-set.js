// Makes the one server a replica set, so that writes are majority and journaled; a second run changes nothing.
const fs = require("fs");
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, "utf8").trim();
db.getSiblingDB("admin").auth(secret("mongo_user"), secret("mongo_password"));
try {
  rs.status();
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] });
}
while (!db.hello().isWritablePrimary) sleep(200);
print("replica set rs0 has a primary");
