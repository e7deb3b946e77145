"""Acts that weigh: asked for in a visit with step-up, told, done after a time, taken back (spec/visits.md section 3).

`engine` carries any kind through; `ways_in` has those of binding and removing a way in. Other kinds are registered by
whoever has them (`Acts.register`), and need nothing here.
"""
