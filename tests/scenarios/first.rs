use crate::world::{Manner, World};

#[test]
fn first_agent_to_answer_gets_the_caller_and_the_others_stop_ringing() {
    let mut world = World::office();
    world.set("mona", Manner::answers_after(4.0));
    world.calls("caller", "8000");
    world.after_seconds(12.0);
    world.hangs_up("mona");
    insta::assert_snapshot!(world.story(), @"");
}
