// The tour on the first page, once in a browser. That it was read is kept here, under one name, and told to nobody.

const NAME = "kakine-tour";
const tour = document.getElementById("tour");
const link = document.getElementById("tour-link");

function read() {
  try {
    return localStorage.getItem(NAME) !== null;
  } catch {
    return true; // a browser that keeps nothing would show it for ever
  }
}

function showOnce() {
  tour.hidden = false;
  link.hidden = true;
  document.getElementById("tour-read").addEventListener("click", () => {
    localStorage.setItem(NAME, "1");
    tour.hidden = true;
    link.hidden = false;
    document.getElementById("main").focus();
  });
}

if (tour && !read()) showOnce();
